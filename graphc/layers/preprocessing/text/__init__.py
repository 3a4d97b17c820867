"""Strings as numbers: looked up, hashed, cut into words.

Strings are values of the host, so these layers work on arrays, lists and string constants while the
graph is built, and give constants; what they give is an array that can be fed, too. Whole numbers
are looked up in the graph.

host_strings        what is known of strings when a layer is called
fingerprints        FarmHash and SipHash
hashing             Hashing, HashedCrossing
lookup              vocabularies, and what their indices are turned into
string_lookup, integer_lookup, text_vectorization  the layers
"""
