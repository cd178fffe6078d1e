"""The web part: health for the container and the load balancer; call-backs and links to pictures for gateways."""
