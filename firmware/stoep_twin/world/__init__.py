"""The street as it is, whatever the boards say of it. Seeded, so a run can be repeated.

Everything is a function of time alone, in Unix seconds; nothing has to be stepped, and a board may look at any moment
twice and in any order. What happens at instants is drawn hour by hour, each hour from a chance of its own.
"""
