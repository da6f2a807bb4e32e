"""Films: frames in, their objects followed and painted, frames out."""
