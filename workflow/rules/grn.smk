# Stage grn.
