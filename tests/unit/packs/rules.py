"""Rules of τ²'s domains for tests of packs, in our own words around the phrases that are read."""

AIRLINE = """\
# Desk of the airline
The current time is 2024-05-15 15:00:00 EST.

The traveller must provide their user id. Cabin cannot be changed if any flight was flown.

- A reservation holds at most five passengers.
- It is paid with at most one travel certificate, at most one credit card, and at most three
  gift cards.
- If the booker is a regular member:
  - 0 free checked bag for each basic economy passenger
  - 1 free checked bag for each economy passenger
  - 2 free checked bags for each business passenger
- If the booker is a silver member:
  - 1 free checked bag for each basic economy passenger
  - 2 free checked bag for each economy passenger
  - 3 free checked bags for each business passenger
- If the booker is a gold member:
  - 2 free checked bag for each basic economy passenger
  - 3 free checked bag for each economy passenger
  - 4 free checked bags for each business passenger
- Each extra baggage is 50 dollars.
- The agent should ask if the user wants to buy the travel insurance.
- The travel insurance is 30 dollars per passenger.

Cancelling is possible where the booking was made within the last 24 hrs.

- Whoever complains about cancelled flights may get a certificate, the amount being $100 times
  the number of passengers.
- Whoever complains about delayed flights, and changes them, may get a certificate, the amount
  being $50 times the number of passengers.
"""
TELECOM = """\
The current time is 2025-02-25 12:08:00 EST.
The maximum amount of data that can be refueled is 2GB.
"""
