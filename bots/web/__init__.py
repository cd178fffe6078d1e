"""The web part: health for the container and the load balancer."""
