"""Right writes with made values, repeated ones, and ones of records that others own."""

from sidecritic.values import JsonObject
from tests.unit.checks.structural.told import Step

MADE: dict[str, list[Step]] = {
    "a sum": [
        "U: Pay both bills of Jo, 12.50 and 30, in one go.",
        ("find_payee", {"name": "Jo"}, {"payee_id": "P-771", "name": "Jo"}),
        ("pay", {"payee_id": "P-771", "amount": 42.5}),
    ],
    "a date in another form": [
        "U: A table for two on the first Sunday in March at half past seven in the evening.",
        ("find_tables", {"day": "2026-03-01"}, {"tables": [{"tableId": "T-4"}]}),
        ("reserve_table", {"tableId": "T-4", "start": "2026-03-01T19:30", "guests": 2}),
    ],
    "a unit": ["U: Set the oven to 392 Fahrenheit.", ("set_oven", {"celsius": 200})],
    "cents": ["U: Refund 19.99 to me.", ("refund", {"amount_cents": 1999, "currency": "EUR"})],
    "defaults": [
        "U: My badge is lost.",
        ("open_ticket", {"title": "Lost badge", "priority": "normal", "notify": True, "tags": []}),
    ],
    "a text": [
        "U: Write Jo a nice birthday card.",
        ("find_contact", {"name": "Jo"}, {"name": "Jo", "email": "jo@lake.example"}),
        ("send_email", {"to": "jo@lake.example", "body": "Dear Jo, all the best on your day! Kim"}),
    ],
    "a key against doing it twice": [
        "U: Pay 10 to Jo.",
        (
            "pay",
            {"to": "Jo", "amount": 10, "idempotency_id": "6f1c2d34-9a52-4c8e-b1f0-2f4f7f4d1a11"},
        ),
    ],
    "a request id": [
        "U: Book the van.",
        ("book_van", {"request_id": "req-20260612-01", "van": "van"}),
    ],
    "the id of what is created": [
        "U: Start a project called Website Relaunch 2027.",
        (
            "create_project",
            {"project_id": "website-relaunch-2027", "name": "Website Relaunch 2027"},
        ),
    ],
    "a file's id from its name": [
        "U: Make me a new list for the trip.",
        ("create_list", {"list_id": "trip-list-1", "title": "Trip"}),
    ],
    "an id said with spaces": [
        "U: It is booking Q X 4 7 1 1, please cancel it.",
        ("cancel_booking", {"booking_id": "QX4711"}),
    ],
    "an id typed otherwise": [
        "U: Cancel ab 1234/5.",
        ("cancel_order", {"order_id": "AB-1234-5"}),
    ],
    "an id with a prefix": [
        "U: Cancel my order 88213.",
        ("cancel_order", {"order_id": "#W88213"}),
    ],
    "a constant id": [
        "U: Put dinner with Jo on Friday into my calendar.",
        ("create_event", {"calendar_id": "primary", "title": "Dinner with Jo"}),
    ],
    "a zone": [
        "U: I live in Berlin, set the clock of my account.",
        ("set_zone", {"timezone_id": "Europe/Berlin", "locale_id": "de-DE"}),
    ],
    "a category": [
        "U: File the bill for the laptop.",
        ("file_bill", {"category_id": "electronics", "title": "Laptop"}),
    ],
    "who is signed in": [
        "S: You serve employee E-2041 (Kim Park). Today is 2026-06-12.",
        "U: I want Monday off.",
        ("request_leave", {"employee_id": "E-2041", "from": "2026-06-15", "to": "2026-06-15"}),
    ],
    "a rule's own value": [
        "S: Returns go to depot D-900 by courier SWIFT-2.",
        "U: I want to return the kettle.",
        ("find_orders", {}, {"orders": [{"order_id": "O-51", "item": "kettle"}]}),
        ("return_order", {"order_id": "O-51", "depot_id": "D-900", "courier_id": "SWIFT-2"}),
    ],
    "numbers as words": [
        "U: Add two dozen eggs and half a litre of milk.",
        ("add_items", {"items": [{"name": "eggs", "count": 24}, {"name": "milk", "ml": 500}]}),
    ],
    "a translation": [
        "U: Sag Jo auf Englisch, dass das Treffen um drei ist.",
        ("send_message", {"to": "Jo", "text": "The meeting is at three o'clock."}),
    ],
    "ids in wrappers": [
        "U: Cancel my yoga class.",
        (
            "list_classes",
            {},
            {"data": {"page": 1, "items": [{"class": {"id": "CL-90", "n": "Yoga"}}]}},
        ),
        ("cancel_class", {"class_id": "CL-90"}),
    ],
    "an id in prose": [
        "U: Cancel my yoga class.",
        ("list_classes", {}, "You are booked for yoga (CL-90) on Monday and for judo (CL-91)."),
        ("cancel_class", {"class_id": "CL-90"}),
    ],
    "an id in Markdown": [
        "U: Cancel my yoga class.",
        ("list_classes", {}, "## Your classes\n- **Yoga** `CL-90`, Monday\n- **Judo** `CL-91`"),
        ("cancel_class", {"class_id": "CL-90"}),
    ],
    "an id in HTML": [
        "U: Cancel my yoga class.",
        ("list_classes", {}, '<ul><li data-id="CL-90">Yoga on Monday</li><li>Judo</li></ul>'),
        ("cancel_class", {"class_id": "CL-90"}),
    ],
    "an id in a link": [
        "U: Cancel my yoga class.",
        ("list_classes", {}, "Yoga: https://gym.example/classes/CL-90?lang=en"),
        ("cancel_class", {"class_id": "CL-90"}),
    ],
}

REPEATED: dict[str, list[Step]] = {
    "asked for again": [
        "U: Turn the page.",
        ("!turn_page", {"direction": "next"}, "Page 2"),
        "A: Page 2.",
        "U: Again, please.",
        ("turn_page", {"direction": "next"}),
    ],
    "two alike": [
        "U: Please place two separate orders of one coffee each.",
        ("!place_order", {"item": "coffee", "count": 1}, {"order_id": "O-1"}),
        ("place_order", {"item": "coffee", "count": 1}),
    ],
    "three alike, in digits": [
        "U: Send Jo 3 reminders.",
        ("!send_reminder", {"to": "Jo"}, "sent"),
        ("!send_reminder", {"to": "Jo"}, "sent"),
        ("send_reminder", {"to": "Jo"}),
    ],
    "after an error in prose": [
        "U: Book hall B.",
        ("!book_hall", {"hall": "B"}, "The service is busy at the moment. Please try again."),
        ("book_hall", {"hall": "B"}),
    ],
    "after a time-out": [
        "U: Book hall B.",
        ("!book_hall", {"hall": "B"}, "Request timed out after 30 s"),
        ("book_hall", {"hall": "B"}),
    ],
    "after a status": [
        "U: Book hall B.",
        ("!book_hall", {"hall": "B"}, {"status": "failed", "message": "locked"}),
        ("book_hall", {"hall": "B"}),
    ],
    "after a code": [
        "U: Book hall B.",
        ("!book_hall", {"hall": "B"}, {"statusCode": 503, "body": ""}),
        ("book_hall", {"hall": "B"}),
    ],
    "after a plain no": [
        "U: Log me in, password tulip.",
        ("!log_in", {"password": "tulip"}, "False"),
        ("log_in", {"password": "tulip"}),
    ],
    "after a failed look-up that was corrected": [
        "U: Cancel order O-77 of Kim.",
        ("get_order", {"order_id": "O-77", "name": "Kin"}, {"error": "not found"}),
        ("get_order", {"order_id": "O-77", "name": "Kim"}, {"status": "open"}),
        ("cancel_order", {"order_id": "O-77"}),
    ],
    "after a look-up that found it free": [
        "U: Create an account for member M-700.",
        ("get_member", {"member_id": "M-700"}, {"error": "no such member"}),
        ("create_member", {"member_id": "M-700"}),
    ],
    "after a look-up of something else": [
        "U: I am patient P-300. Book me in as a self-payer if there is no insurance.",
        ("get_insurance", {"patient_id": "P-300"}, {"error": "no insurance on file"}),
        ("book_self_payer", {"patient_id": "P-300"}),
    ],
    "waiting list after no place": [
        "U: A place in course C-100, or on its waiting list.",
        ("check_places", {"course_id": "C-100"}, {"ok": False, "places": 0}),
        ("join_waiting_list", {"course_id": "C-100"}),
    ],
}

EMPLOYEE: JsonObject = {"employee_id": "E-1", "name": "Mia Roth", "role": "manager"}
LEAVE: JsonObject = {"request_id": "R-501", "employee_id": "E-2", "name": "Tom Berg", "days": 3}
PATIENT: JsonObject = {"patient_id": "P-1", "name": "Ana Ruiz", "children": ["P-2"]}
OWNED: dict[str, list[Step]] = {
    "a manager approves someone's leave": [
        "U: This is Mia Roth. Approve Tom's leave.",
        ("get_employee", {"name": "Mia Roth"}, EMPLOYEE),
        ("list_requests", {"status": "open"}, {"requests": [LEAVE]}),
        ("approve_request", {"request_id": "R-501"}),
    ],
    "a manager approves all": [
        "U: This is Mia Roth. Approve what my team has asked for.",
        ("get_employee", {"name": "Mia Roth"}, EMPLOYEE),
        ("list_requests", {"manager_id": "E-1"}, {"requests": [LEAVE]}),
        ("approve_request", {"request_id": "R-501"}),
    ],
    "the record names the manager": [
        "U: This is Mia Roth. Approve the open request.",
        ("get_employee", {"name": "Mia Roth"}, EMPLOYEE),
        ("list_requests", {}, {"requests": [{**LEAVE, "approver": "E-1"}]}),
        ("approve_request", {"request_id": "R-501"}),
    ],
    "a guardian": [
        "U: Ana Ruiz. Please cancel the visit of my son.",
        ("get_patient", {"name": "Ana Ruiz"}, PATIENT),
        ("list_visits", {"patient_id": "P-2"}, [{"visit_id": "V-9", "patient_id": "P-2"}]),
        ("cancel_visit", {"visit_id": "V-9"}),
    ],
    "money to another person": [
        "U: Kim Park. Send 20 from my account to the one of Jo Lund.",
        ("get_customer", {"name": "Kim Park"}, {"customer_id": "C-1", "name": "Kim Park"}),
        ("get_account", {"n": 1}, {"account_id": "A-11", "customer_id": "C-1"}),
        ("get_account", {"n": 2}, {"account_id": "A-22", "customer_id": "C-2", "name": "Jo Lund"}),
        ("transfer", {"from_account_id": "A-11", "account_id": "A-22", "amount": 20}),
    ],
    "a shift of a colleague taken over": [
        "U: Mia Roth here. I take over shift S-400.",
        ("get_employee", {"name": "Mia Roth"}, EMPLOYEE),
        ("get_shift", {"shift_id": "S-400"}, {"shift_id": "S-400", "employee_id": "E-2"}),
        ("assign_shift", {"shift_id": "S-400", "employee_id": "E-1"}),
    ],
}

LONG_POLICY: dict[str, list[Step]] = {
    "log in": [
        "U: I am user kpark, password tulip9. Show my account and change my address to 2 Elm Road.",
        ("internal_check_username_exist", {"username": "kpark"}, "True"),
        ("login_user", {"username": "kpark", "password": "tulip9"}),
    ],
    "an admin's password": [
        "U: User kpark, admin password 9931. Close my account.",
        ("internal_check_username_exist", {"username": "kpark"}, "True"),
        ("!login_user", {"username": "kpark", "password": "tulip9"}, "True"),
        ("authenticate_admin_password", {"username": "kpark", "admin_password": "9931"}),
    ],
    "an address": [
        "U: kpark, tulip9. My new address is 2 Elm Road.",
        ("!login_user", {"username": "kpark", "password": "tulip9"}, "True"),
        ("internal_get_account", {"username": "kpark"}, {"balance": 80.5, "address": "1 Elm Road"}),
        (
            "set_account_information",
            {"username": "kpark", "information": {"address": "2 Elm Road"}},
        ),
    ],
    "money to a user": [
        "U: kpark, tulip9. Send 50 to user jlund.",
        ("!login_user", {"username": "kpark", "password": "tulip9"}, "True"),
        ("internal_check_username_exist", {"username": "jlund"}, "True"),
        ("internal_get_account", {"username": "kpark"}, '{"balance": 80.5, "owed": 0.0}'),
        ("transfer_funds", {"username": "kpark", "destination_username": "jlund", "amount": 50}),
    ],
    "a new user that is not there yet": [
        "U: Make me an account, kpark with password tulip9.",
        ("internal_check_username_exist", {"username": "kpark"}, "False"),
        ("create_account", {"username": "kpark", "password": "tulip9"}),
    ],
    "a visit": [
        "U: kpark, tulip9. A visit at Dr. Lund's on 2026-06-17 at 09:30.",
        (
            "internal_get_provider",
            {"name": "Dr. Lund"},
            {"provider": "Dr. Lund", "slots": ["09:30"]},
        ),
        ("schedule_appointment", {"username": "kpark", "provider": "Dr. Lund", "time": "09:30"}),
    ],
    "a fine": [
        "U: kpark, tulip9. I want to pay my fine with my card 4111-22.",
        ("internal_get_record", {"username": "kpark"}, {"fines": 12.0, "late": ["Emma"]}),
        ("pay_fine", {"username": "kpark", "amount": 12.0, "card": "4111-22"}),
    ],
    "a book": [
        "U: kpark. Lend me Emma.",
        ("internal_check_book", {"title": "Emma"}, {"available": True, "restricted": False}),
        ("borrow_book", {"username": "kpark", "title": "Emma"}),
    ],
    "a room": [
        "U: kpark. A study room on 2026-06-17 for 10 and 11 o'clock.",
        ("internal_get_rooms", {}, {"R-101": {"2026-06-17": ["10", "11"]}, "R-102": {}}),
        ("book_room", {"username": "kpark", "room_id": "R-101", "slots": ["10", "11"]}),
    ],
    "a test for a licence": [
        "U: kpark. Register me for the driving test on 2026-07-02.",
        ("internal_get_user", {"username": "kpark"}, {"age": 19, "tests": [], "sessions": 3}),
        ("schedule_drive_test", {"username": "kpark", "schedule_time": "2026-07-02 09:00"}),
    ],
    "what the database says at length": [
        "U: kpark, tulip9. Cancel my card C-8001, it is lost.",
        (
            "internal_get_policy",
            {},
            "A card may be cancelled when the user is logged in. Cancel the card only if no "
            "transaction of card C-8001 is pending. The fee to cancel a card is 5.00.",
        ),
        ("cancel_card", {"username": "kpark", "card_id": "C-8001", "reason": "lost"}),
    ],
}
