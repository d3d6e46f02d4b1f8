from ...types import Action, Task

_FREYA = "Your user id is freya_linde_5512. "

TASKS = [
    Task(
        user_id="freya_linde_5512",
        instruction=_FREYA + f"You want to cancel reservation {reservation}; you have fallen ill.",
        actions=[Action(name="cancel_reservation", kwargs={"reservation_id": reservation})],
        outputs=[],
    )
    for reservation in ("QX7K2P", "LM4T9S")
] + [
    Task(
        user_id="freya_linde_5512",
        instruction=_FREYA + "You want to know in which cabin you fly with reservation QX7K2P.",
        actions=[],
        outputs=["economy"],
    )
]
