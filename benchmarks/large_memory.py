"""GPU memory that a step of `--preset large` takes, computed without a GPU and without the weights.

Weights, gradients and AdamW's two moments are counted from the parameters of the architecture, made
on torch's meta device, which knows shapes and no numbers. Activations are what autograd keeps for the
backward pass of one layer, which is run on the CPU under bfloat16 autocast and has its saved tensors
counted; checkpointing keeps one input a layer instead, and one whole layer while it is run again.

    python benchmarks/large_memory.py --tokens-used 20000
"""

import argparse

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from transformers import XLMRobertaConfig, XLMRobertaModel

GB = 1e9
LIMIT = 8 * 2**30
TEXTS_A_PAIR = 2

# huggingface.co/jjzha/esco-xlm-roberta-large, config.json
LARGE = XLMRobertaConfig(
    vocab_size=250_002,
    hidden_size=1024,
    num_hidden_layers=24,
    num_attention_heads=16,
    intermediate_size=4096,
    max_position_embeddings=514,
    type_vocab_size=1,
)


def layer_bytes(batch: int, length: int) -> int:
    """Bytes that autograd keeps of one layer for one side of a batch, its own weights left out."""
    config = XLMRobertaConfig(**LARGE.to_dict() | {"num_hidden_layers": 1, "vocab_size": 10})
    layer = XLMRobertaModel(config, add_pooling_layer=False).train().encoder.layer[0]
    weights = {parameter.data_ptr() for parameter in layer.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    vectors = torch.zeros(batch, length, LARGE.hidden_size, requires_grad=True)
    with saved_tensors_hooks(pack, lambda tensor: tensor), torch.autocast("cpu", dtype=torch.bfloat16):
        result = layer(vectors)
    del result
    return sum(kept.values())


def main() -> None:
    """Print the sum, part by part, with and without what the preset does to save memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tokens-used", type=int, required=True, help="distinct tokens of the texts")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--length", type=int, default=64, help="tokens of the longest text in a batch")
    given = parser.parse_args()
    with torch.device("meta"):
        model = XLMRobertaModel(LARGE, add_pooling_layer=False)
    total = sum(parameter.numel() for parameter in model.parameters())
    trimmed = total - (LARGE.vocab_size - given.tokens_used) * LARGE.hidden_size
    layer = layer_bytes(given.batch, given.length)
    inputs = given.batch * given.length * LARGE.hidden_size * 4  # of one layer, float32
    layers = LARGE.num_hidden_layers
    whole = TEXTS_A_PAIR * layers * layer
    checkpointed = TEXTS_A_PAIR * (layers + 1) * inputs + layer
    print(f"batch {given.batch}, {given.length} tokens, AdamW in float32 under autocast")  # noqa: T201
    for name, parameters, activations in (
        ("plain", total, whole),
        ("checkpointing", total, checkpointed),
        ("checkpointing and the trimmed token table", trimmed, checkpointed),
    ):
        state = 16 * parameters  # weight, gradient and two moments, 4 bytes each
        copies = 2 * (total - LARGE.vocab_size * LARGE.hidden_size)  # half-precision copies by autocast
        peak = state + copies + activations
        print(  # noqa: T201
            f"{name}: {parameters / 1e6:.0f}M parameters, state {state / GB:.2f} GB, autocast copies "
            f"{copies / GB:.2f} GB, activations {activations / GB:.2f} GB, sum {peak / GB:.2f} GB: "
            f"{'fits' if peak < LIMIT else 'does not fit'} 8 GiB ({LIMIT / GB:.2f} GB)"
        )
    room = (LIMIT - peak) / (16 * LARGE.hidden_size)
    print(f"up to {given.tokens_used + room:,.0f} distinct tokens fit")  # noqa: T201


if __name__ == "__main__":
    main()
