# Stage fuse.
