"""What a step of the Llama of bench_llama takes on one GPU at the least: the sum of the libraries' own times for its matrix
products and its attention, each alone and at its best, and of the bytes that all else must move at MEMORY_SPEED, if each
tensor were read and written once. Nothing is sent and nothing waits. Prints it as one line of JSON.

llama_limit.py SIZE SEQUENCES TOKENS WORLD
"""

import json
import sys

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from llama_fsdp2 import SIZES

MEMORY_SPEED = 4.25e12  # bytes a second: what a copy reaches on an H200


def milliseconds(run, least=0.3):
    """Of one run, when run again and again for `least` seconds."""
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)

    def timed(times):
        begin.record()
        for _ in range(times):
            run()
        end.record()
        torch.cuda.synchronize()
        return begin.elapsed_time(end) / times

    timed(3)
    return timed(max(5, int(least * 1e3 / timed(1))))


def random(*shape):
    return torch.randn(*shape, dtype=torch.bfloat16, device="cuda")


def products(rows, inputs, outputs):
    x, weight, due = random(rows, inputs), random(outputs, inputs), random(rows, outputs)
    return milliseconds(lambda: x @ weight.t()) + milliseconds(lambda: due @ weight) + milliseconds(lambda: due.t() @ x)


def attention(sequences, tokens, heads, kv_heads, width):
    def one(backend, kv):
        q, k, v = (random(sequences, h, tokens, width).requires_grad_() for h in (heads, kv, kv))
        run = lambda: F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=kv != heads)
        with sdpa_kernel(backend):
            out = run()
            due = torch.randn_like(out)
            back = lambda: torch.autograd.grad(out, (q, k, v), due, retain_graph=True)
            return milliseconds(run) + milliseconds(back)

    backends = SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION
    return min(one(backend, kv) for backend in backends for kv in {heads, kv_heads})


def main(size, sequences, tokens, world):
    vocabulary, layers, dim, heads, kv_heads, ffn = SIZES[size]
    width, rows = dim // heads, sequences * tokens
    of_block = [(dim, dim + 2 * kv_heads * width), (dim, dim), (dim, 2 * ffn), (ffn, dim)]
    in_products = layers * sum(products(rows, *shape) for shape in of_block) + products(rows, dim, vocabulary)
    in_attention = layers * attention(sequences, tokens, heads, kv_heads, width)

    matrices = layers * sum(a * b for a, b in of_block) + vocabulary * dim
    parameters = matrices + vocabulary * dim
    # In elements of (rows, dim) in bfloat16, read and written forward and back: two norms with the residual's sum, rotary
    # positions of queries and keys, and the gate.
    norms, rope, gate = 2 * (4 + 5), 2 * 2 * (1 + kv_heads / heads), ffn / dim * (3 + 5)
    glue = layers * (norms + rope + gate) * rows * dim * 2
    loss = rows * vocabulary * 2 * 3  # the logits are read, read again and overwritten
    update = parameters / world * (2 * 3 * 4 + 4)  # master and moments read and written, gradient read
    in_memory = (glue + loss + update) / MEMORY_SPEED * 1e3
    total = in_products + in_attention + in_memory
    operations = rows * (6 * matrices + 6 * layers * tokens * dim)  # causal attention: half of 12 LTD
    print(json.dumps({"name": "limit", "products_ms": in_products, "attention_ms": in_attention, "memory_ms": in_memory,
                      "total_ms": total, "operations": operations}), flush=True)  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
