"""Keep results on disk: which steps are done, and with which inputs."""
