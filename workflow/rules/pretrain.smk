# Stage pretrain.
