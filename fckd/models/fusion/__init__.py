"""Networks that are fed by two modalities and make one feature map of both."""
