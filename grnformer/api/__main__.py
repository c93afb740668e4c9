"""Write the page of outputs: python -m grnformer.api."""

from pathlib import Path

from grnformer.api.document import generate

if __name__ == "__main__":
    root = Path(__file__).parents[2]
    for path, text in generate().items():
        (root / path).write_text(text, encoding="utf-8")
