"""Send requests to a model: an endpoint, a gateway or a script. Turn failures into errors that users can act on."""
