"""Painting: style transfer in which the picture is the parameter that is optimised."""
