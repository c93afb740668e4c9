# Stage topics.
