WIKI = """# Retail agent policy (of a stand-in)

- Find out who the user is by their e-mail address first.
- List the details of a change and get a yes before you make it.
- Only pending orders can be cancelled or changed.
"""
