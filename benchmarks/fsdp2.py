"""PyTorch's side of benchmarks/run.sh: the GPT of bench_fsdp2 under FSDP2 (fully_shard on each block and on the whole),
Gloo, float32, fused AdamW, on the same initial parameters and batches. Prints what it saw as one line of JSON.

fsdp2.py START STEPS, started by launch.sh: START as bench_fsdp2 writes it.
"""

import json
import resource
import sys
import time

import torch
import torch.distributed as dist
import torch.nn as nn
import torch.nn.functional as F
from torch.distributed.fsdp import fully_shard

HEADS = 8


class Attention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.query_key_value = nn.Linear(dim, 3 * dim)
        self.project = nn.Linear(dim, dim)

    def forward(self, x):  # (B, T, dim) -> same
        q, k, v = (p.unflatten(-1, (HEADS, -1)).transpose(1, 2) for p in self.query_key_value(x).chunk(3, -1))
        return self.project(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(-2))


class Mlp(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.up = nn.Linear(dim, 4 * dim)
        self.down = nn.Linear(4 * dim, dim)

    def forward(self, x):
        return self.down(F.gelu(self.up(x), approximate="tanh"))


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.attention_norm = nn.LayerNorm(dim)
        self.attention = Attention(dim)
        self.mlp_norm = nn.LayerNorm(dim)
        self.mlp = Mlp(dim)

    def forward(self, x):
        x = x + self.attention(self.attention_norm(x))
        return x + self.mlp(self.mlp_norm(x))


class Gpt(nn.Module):
    def __init__(self, vocabulary, context, layers, dim):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, dim)
        self.positions = nn.Embedding(context, dim)
        self.blocks = nn.ModuleList(Block(dim) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)

    def forward(self, ids):  # (B, T) -> (B, T, vocabulary)
        x = self.tokens(ids) + self.positions(torch.arange(ids.shape[1]))
        for block in self.blocks:
            x = block(x)
        return F.linear(self.norm(x), self.tokens.weight)


def read(path):
    types = {"F32": torch.float32, "I64": torch.int64}
    with open(path, "rb") as file:
        head = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = bytearray(file.read())
    head.pop("__metadata__", None)
    return {
        name: torch.frombuffer(data, dtype=types[t["dtype"]], offset=t["data_offsets"][0],
                               count=torch.Size(t["shape"]).numel()).view(t["shape"])
        for name, t in head.items()
    }  # fmt: skip


def main(start, steps):
    dist.init_process_group("gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    tensors = read(start)
    ids, targets = (tensors.pop(name).chunk(world, 1)[rank] for name in ("ids", "targets"))  # (steps, B/world, T)

    layers = len({name.split(".")[1] for name in tensors if name.startswith("blocks.")})
    vocabulary, dim = tensors["tokens.weight"].shape
    model = Gpt(vocabulary, len(tensors["positions.weight"]), layers, dim)
    model.load_state_dict(tensors)
    for block in model.blocks:
        fully_shard(block)
    fully_shard(model)
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=3e-4, fused=True)

    seen = {"name": "FSDP2", "torch": torch.__version__, "seconds": [], "losses": []}
    for step in range(steps):
        dist.barrier()
        begin = time.perf_counter()
        loss = F.cross_entropy(model(ids[step]).flatten(0, 1), targets[step].flatten())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        total = loss.detach() / world
        dist.all_reduce(total)
        seen["losses"].append(total.item())
        dist.barrier()
        seen["seconds"].append(time.perf_counter() - begin)
    seen["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    if rank == 0:
        print(json.dumps(seen), flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
