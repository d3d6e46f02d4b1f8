from ...types import Action, Task

_ODILE = "Your name is Odile Brandt and your e-mail address is odile.brandt@example.com. "
_RAFAEL = "Your name is Rafael Okoro and your e-mail address is rafael.okoro@example.com. "

TASKS_TEST = [
    Task(
        user_id="odile_brandt_1021",
        instruction=_ODILE + "You want to cancel order #W1000001 because it is no longer needed.",
        actions=[
            Action(name="find_user_id_by_email", kwargs={"email": "odile.brandt@example.com"}),
            Action(
                name="cancel_pending_order",
                kwargs={"order_id": "#W1000001", "reason": "no longer needed"},
            ),
        ],
        outputs=[],
    ),
    Task(
        user_id="odile_brandt_1021",
        instruction=_ODILE + "You want to know the price of the kettle in order #W1000002.",
        actions=[Action(name="get_order_details", kwargs={"order_id": "#W1000002"})],
        outputs=["1234.5"],
    ),
    Task(
        user_id="rafael_okoro_2044",
        instruction=_RAFAEL
        + "You want order #W1000003 sent to 9 Mill Lane, city Austin, zip code 78702.",
        actions=[
            Action(
                name="modify_pending_order_address",
                kwargs={
                    "order_id": "#W1000003",
                    "address1": "9 Mill Lane",
                    "city": "Austin",
                    "zip": "78702",
                },
            )
        ],
        outputs=[],
    ),
    Task(
        user_id="odile_brandt_1021",
        instruction=_ODILE + "You want to cancel order #W1000002, and a person if that fails.",
        actions=[
            # Refused by the tool, as a few references of the real benchmark are.
            Action(
                name="cancel_pending_order",
                kwargs={"order_id": "#W1000002", "reason": "no longer needed"},
            ),
            Action(name="transfer_to_human_agents", kwargs={"summary": "A delivered order."}),
        ],
        outputs=[],
    ),
]
