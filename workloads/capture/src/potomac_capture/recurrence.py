"""nn.LSTM, nn.GRU, nn.RNN and their cells, taken apart into linear products.

The inputs of all time steps are one product with W_ih; each step's state is one with W_hh.
The equations are those of PyTorch's documentation, the order of the gates too.
"""

from typing import Any, Callable, List, Sequence, Tuple

import torch
from torch.nn import functional

Tensor = torch.Tensor
Linear = Callable[..., Tensor]
State = Tuple[Tensor, ...]
# (what W_ih makes of the input, what W_hh makes of the state, the state) -> the next state,
# of which the first tensor is the output.
Cell = Callable[[Tensor, Tensor, State], State]


def lstm_cell(gi: Tensor, gh: Tensor, state: State) -> State:
    i, f, g, o = (gi + gh).chunk(4, -1)
    c = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def gru_cell(gi: Tensor, gh: Tensor, state: State) -> State:
    (ri, zi, ni), (rh, zh, nh) = gi.chunk(3, -1), gh.chunk(3, -1)
    n = (ni + (ri + rh).sigmoid() * nh).tanh()
    return (n + (zi + zh).sigmoid() * (state[0] - n),)


def tanh_cell(gi: Tensor, gh: Tensor, state: State) -> State:
    return ((gi + gh).tanh(),)


def relu_cell(gi: Tensor, gh: Tensor, state: State) -> State:
    return ((gi + gh).relu(),)


def step(
    cell: Cell, linear: Linear, input: Tensor, hx: Any, w_ih: Tensor, w_hh: Tensor,
    b_ih: Any = None, b_hh: Any = None,
) -> Any:  # fmt: skip
    """torch.lstm_cell and its like."""
    state = tuple(hx) if isinstance(hx, (tuple, list)) else (hx,)
    result = cell(linear(input, w_ih, b_ih), linear(state[0], w_hh, b_hh), state)
    return result if isinstance(hx, (tuple, list)) else result[0]


def run(cell: Cell, linear: Linear, input: Tensor, *arguments: Any) -> Any:
    """torch.lstm and its like, of padded or of packed sequences."""
    packed = not isinstance(arguments[2], bool)
    if packed:
        sizes = arguments[0].tolist()
        data, rest, batch_first = input, arguments[1:], False
    else:
        *rest, batch_first = arguments
        steps = input.transpose(0, 1) if batch_first else input
        sizes = [steps.shape[1]] * steps.shape[0]
        data = steps.reshape(-1, steps.shape[-1])
    hx, weights, biases, layers, dropout, train, bidirectional = rest
    initial = tuple(hx) if isinstance(hx, (tuple, list)) else (hx,)
    directions = 2 if bidirectional else 1
    each = 4 if biases else 2
    if len(weights) != each * layers * directions:
        return NotImplemented  # proj_size
    finals: List[State] = []
    for layer in range(layers):
        outputs = []
        for direction in range(directions):
            index = layer * directions + direction
            own = tuple(weights[index * each : (index + 1) * each])
            state = tuple(part[index] for part in initial)
            output, state = _direction(cell, linear, data, sizes, own, state, direction == 1)
            outputs.append(output)
            finals.append(state)
        data = outputs[0] if directions == 1 else torch.cat(outputs, -1)
        if train and dropout > 0 and layer + 1 < layers:
            data = functional.dropout(data, dropout)
    if not packed:
        data = data.reshape(len(sizes), -1, data.shape[-1])
        data = data.transpose(0, 1) if batch_first else data
    return (data, *(torch.stack(parts) for parts in zip(*finals)))


def _direction(
    cell: Cell, linear: Linear, data: Tensor, sizes: Sequence[int], weights: Tuple[Tensor, ...],
    state: State, backwards: bool,
) -> Tuple[Tensor, State]:  # fmt: skip
    """One layer in one direction. `data` holds the steps one behind the other, of `sizes` rows;
    rows that a step does not have keep their state."""
    w_ih, w_hh, b_ih, b_hh = weights if len(weights) == 4 else (*weights, None, None)
    gates = linear(data, w_ih, b_ih).split(list(sizes))
    outputs: List[Tensor] = []
    for gi in reversed(gates) if backwards else gates:
        rows = gi.shape[0]
        current = tuple(part[:rows] for part in state)
        current = cell(gi, linear(current[0], w_hh, b_hh), current)
        state = tuple(
            new if rows == old.shape[0] else torch.cat([new, old[rows:]])
            for new, old in zip(current, state)
        )
        outputs.append(current[0])
    return torch.cat(outputs[::-1] if backwards else outputs), state
