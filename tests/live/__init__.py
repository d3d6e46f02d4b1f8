from pathlib import Path

ROOT = Path(__file__).parents[2]
MODEL = "smollm2-135m"
