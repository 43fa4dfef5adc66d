"""PyTorch's side of benchmarks/llama.sh: the Llama of bench_llama under FSDP2 (fully_shard on each block and on the whole),
bfloat16 with float32 masters and reductions, fused AdamW, on the same batches. Prints what it saw as one line of JSON.

llama_fsdp2.py SIZE START [--rate RATE] [--compile] [--recompute], started by launch.sh: START as bench_llama writes it.
"""

import argparse
import json
import os
import time

import torch
import torch.distributed as dist
import torch.nn as nn
import torch.nn.functional as F
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

from fsdp2 import read

SIZES = {  # vocabulary, layers, dim, heads, kv_heads, ffn
    "8b": (128256, 32, 4096, 32, 8, 14336),
    "1.5b": (128256, 16, 2048, 32, 8, 8192),
    "162m": (50304, 12, 768, 12, 12, 2048),
}


def linear(inputs, outputs):
    return nn.Linear(inputs, outputs, bias=False)


class Attention(nn.Module):
    def __init__(self, dim, heads, kv_heads):
        super().__init__()
        self.width = dim // heads
        self.query, self.key = linear(dim, dim), linear(dim, kv_heads * self.width)
        self.value, self.project = linear(dim, kv_heads * self.width), linear(dim, dim)

    def forward(self, x, angles):  # (B, T, dim) -> same
        def turned(y):  # (B, T, H, D) -> same
            a, b = y.float().chunk(2, -1)
            cosine, sine = angles
            return torch.cat((a * cosine - b * sine, b * cosine + a * sine), -1).type_as(y)

        q, k, v = (part(x).unflatten(-1, (-1, self.width)) for part in (self.query, self.key, self.value))
        q, k, v = (y.transpose(1, 2) for y in (turned(q), turned(k), v))
        # Keys and values are repeated: with enable_gqa the backward is slower.
        repeats = q.shape[1] // k.shape[1]
        k, v = (y.repeat_interleave(repeats, 1) if repeats > 1 else y for y in (k, v))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.project(mixed.transpose(1, 2).flatten(-2))


class Mlp(nn.Module):
    def __init__(self, dim, ffn):
        super().__init__()
        self.gate, self.up, self.down = linear(dim, ffn), linear(dim, ffn), linear(ffn, dim)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Block(nn.Module):
    def __init__(self, dim, heads, kv_heads, ffn):
        super().__init__()
        self.attention_norm, self.mlp_norm = nn.RMSNorm(dim, eps=1e-5), nn.RMSNorm(dim, eps=1e-5)
        self.attention, self.mlp = Attention(dim, heads, kv_heads), Mlp(dim, ffn)

    def forward(self, x, angles):
        x = x + self.attention(self.attention_norm(x), angles)
        return x + self.mlp(self.mlp_norm(x))


class Llama(nn.Module):
    def __init__(self, vocabulary, layers, dim, heads, kv_heads, ffn):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, dim)
        self.blocks = nn.ModuleList(Block(dim, heads, kv_heads, ffn) for _ in range(layers))
        self.norm = nn.RMSNorm(dim, eps=1e-5)
        self.head = linear(dim, vocabulary)

    def forward(self, ids, angles):  # (B, T) -> (B, T, vocabulary)
        x = self.tokens(ids)
        for block in self.blocks:
            x = block(x, angles)
        return self.head(self.norm(x))


def angles_of(tokens, width, device):  # two of (T, 1, D/2)
    frequency = 500000.0 ** (-torch.arange(0, width, 2, device=device) / width)
    angle = torch.outer(torch.arange(tokens, device=device), frequency).unsqueeze(1)
    return angle.cos(), angle.sin()


def start_as_ashlar_does(model, layers):
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1:
            nn.init.ones_(parameter)
        else:
            last = name.endswith(("project.weight", "down.weight"))
            nn.init.normal_(parameter, std=0.02 / (2 * layers) ** 0.5 if last else 0.02)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("start")
    parser.add_argument("--rate", type=float, default=3e-4)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--recompute", action="store_true")
    given = parser.parse_args()

    device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    torch.cuda.set_device(device)
    dist.init_process_group("nccl", device_id=device)
    rank, world = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(0)
    tensors = read(given.start)
    ids, targets = (tensors.pop(name).chunk(world, 1)[rank] for name in ("ids", "targets"))  # (steps, B, T)

    _, layers, dim, heads, _, _ = shape = SIZES[given.size]
    with torch.device("meta"):
        model = Llama(*shape)
    if given.recompute:
        for i, block in enumerate(model.blocks):
            model.blocks[i] = checkpoint_wrapper(block)
    criterion = lambda logits, due: F.cross_entropy(logits.flatten(0, 1).float(), due.flatten())
    if given.compile:
        for i, block in enumerate(model.blocks):
            model.blocks[i] = torch.compile(block, fullgraph=True)
        criterion = torch.compile(criterion)
    precision = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    for i, block in enumerate(model.blocks):
        fully_shard(block, mp_policy=precision, reshard_after_forward=i < layers - 1)
    fully_shard(model, mp_policy=precision)
    model.to_empty(device=device)
    with torch.no_grad():
        if tensors:
            for name, parameter in model.named_parameters():
                whole = tensors[name.replace("._orig_mod", "").replace("._checkpoint_wrapped_module", "")]
                own = whole.chunk(world)[rank] if rank < len(whole.chunk(world)) else whole[:0]
                parameter.to_local().copy_(own)
        else:
            start_as_ashlar_does(model, layers)
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=given.rate, fused=True)
    angles = angles_of(ids.shape[-1], dim // heads, device)

    def step(ids, targets):
        loss = criterion(model(ids, angles), targets)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0, foreach=True)
        optimizer.step()
        optimizer.zero_grad()
        total = loss.detach() / world
        dist.all_reduce(total)
        return total.item()

    seen = {"name": "FSDP2 compiled" if given.compile else "FSDP2", "torch": torch.__version__, "seconds": [], "losses": []}
    for i in range(len(ids)):
        own = ids[i].to(device), targets[i].to(device)
        dist.barrier()
        torch.cuda.synchronize()
        if i == 4:  # what compiling took is not counted
            torch.cuda.reset_peak_memory_stats()
        begin = time.perf_counter()
        seen["losses"].append(step(*own))
        dist.barrier()
        torch.cuda.synchronize()
        seen["seconds"].append(time.perf_counter() - begin)
    seen["peak_gb"] = torch.cuda.max_memory_allocated() / 1e9
    if rank == 0:
        print(json.dumps(seen), flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
