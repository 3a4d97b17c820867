"""Floor 5: sessions. Fetches and feeds become a program, it runs, state stays on the device.

session      Session: run, make_callable, compile, dump, save and restore
fetches      nested fetches as a flat list, and back
plan         fetches and feeds to a program; fast_calls is the short way through it
feeds        checking and converting what is fed; symbols get their sizes
program      one set of fetches and feeds through the pipeline, to executables per signature
state        variables on the device; they initialize themselves
staging      arrays of NumPy on their way there
host         strings, which never reach XLA
devices      what list_devices shows
report       what compiling did: a table and a dictionary
dump         a stage of a program as text, dot, html, stablehlo or hlo
initialization  first values of variables; failures: what those of XLA mean for them
checkpoint   variables to and from a file
"""

from graphc.ops.context import provide_sessions
from graphc.session.session import Session

# Layers and models, a floor below, live in a session of their graph.
provide_sessions(Session)
