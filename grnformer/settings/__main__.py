"""Write the schema, the defaults and the documentation of the settings: python -m grnformer.settings."""

from pathlib import Path

from grnformer.settings.generate import generate

if __name__ == "__main__":
    root = Path(__file__).parents[2]
    for path, text in generate().items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
