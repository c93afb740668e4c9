# Stage bench.
