"""Floor 1: the intermediate representation.

types, literal, attributes   what values and attributes are; interned, compared by identity
op, registry                 what an op is (every facet in one object), and the closed registry
node, graph, text            nodes, the frozen graph, its one text form
builder, editor              making nodes; changing a frozen graph
parser, versions             reading text back, text of older op sets included
verifier, equality           is a graph well formed; are two graphs the same
origin                       the user's line behind every node
networkx_view                the graph as networkx algorithms want it
"""
