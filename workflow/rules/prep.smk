# Stage prep.
