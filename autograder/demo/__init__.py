"""A class that is not there: submissions made from fixture folders, and the whole road walked over them."""
