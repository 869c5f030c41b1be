"""The page that describes a dataset to a reader: what is on it, and the HTML that it is made of."""
