"""Models: what a folder says of one, and the runtimes that load weights, behind two protocols."""
