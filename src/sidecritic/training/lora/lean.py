"""TRL's trainer for supervised fine-tuning, without work that a verdict does not need."""

from typing import Any

from sidecritic.training.lora.packages import needed


def lean_trainer() -> Any:
    """Return the trainer's class.

    Off a GPU, TRL puts every position of the prompt through the whole vocabulary, forth and back,
    and takes its entropy: half the time and two thirds of the memory of a model of this size.
    Here only the positions are that have a label: the verdict and the end of the turn.
    """
    torch = needed("torch")
    base: Any = needed("trl").SFTTrainer

    class Lean(base):
        def compute_loss(
            self,
            model: Any,
            inputs: dict[str, Any],
            return_outputs: bool = False,
            num_items_in_batch: Any = None,
        ) -> Any:
            labels = inputs["labels"][:, 1:]
            kept = (labels != -100).any(dim=0).nonzero().squeeze(1)
            outputs = model(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                logits_to_keep=kept,
                use_cache=False,
            )
            wanted = labels[:, kept]
            loss = torch.nn.functional.cross_entropy(
                outputs.logits.float().flatten(0, 1), wanted.flatten(), reduction="sum"
            )
            counted = (
                num_items_in_batch if num_items_in_batch is not None else wanted.ne(-100).sum()
            )
            loss = loss / counted
            if num_items_in_batch is not None and self.args.average_tokens_across_devices:
                # The count is that of all processes, and their gradients are averaged.
                loss = loss * self.accelerator.num_processes
            return (loss, outputs) if return_outputs else loss

    return Lean
