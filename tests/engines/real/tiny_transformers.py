"""Writes a model of the Qwen3 family with random weights, small enough to be loaded at once, and a tokenizer of bytes: FOLDER."""

from __future__ import annotations

import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers  # pyright: ignore[reportMissingImports]
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM  # pyright: ignore[reportMissingImports]

TEMPLATE = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}<end>{% endfor %}assistant: "


def main(folder: str) -> None:
    bytes_only = Tokenizer(models.BPE())
    bytes_only.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_only.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trained = trainers.BpeTrainer(vocab_size=len(alphabet) + 1, special_tokens=["<end>"], initial_alphabet=alphabet)
    bytes_only.train_from_iterator([], trained)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bytes_only, eos_token="<end>", pad_token="<end>")
    tokenizer.chat_template = TEMPLATE
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        max_position_embeddings=4096,
        bos_token_id=None,
        eos_token_id=None,  # so that an answer is as long as it is allowed to be
        pad_token_id=tokenizer.pad_token_id,
    )
    Qwen3ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    main(sys.argv[1])
