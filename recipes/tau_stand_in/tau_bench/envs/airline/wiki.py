WIKI = """# Airline agent policy (of a stand-in)

- Obtain the user id first.
- List the details of a change and get a yes before you make it.
- Reservations with insurance, or in business, can be cancelled.
"""
