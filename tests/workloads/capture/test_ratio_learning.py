"""gamma, PRC's ratio: learned beside the user's own parameters, and never among them."""

import copy
import io
import multiprocessing

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

import potomac_capture as pc

STEP = 2.0**-10


def network(**options):
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
    return pc.quantize(model, gamma=0.5, gamma_step=STEP, **options)


def backward(model, scale=1.0, seed=0):
    x = torch.randn(32, 8, generator=torch.Generator().manual_seed(seed))
    (F.cross_entropy(model(x), (x[:, 0] > 0).long()) * scale).backward()


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=0.1)


def gamma_after(model):
    """The last layer's, after the step that is due."""
    return float(model.state_dict()["2.gamma"])


def test_it_steps_where_its_weight_does_against_its_gradient():
    model = network()
    backward(model)
    down = float(model[2].gamma.grad) > 0
    assert gamma_after(model) == 0.5
    sgd(model).step()
    assert gamma_after(model) == (0.5 - STEP if down else 0.5 + STEP)
    assert model[2].gamma.grad is None and gamma_after(model) != 0.5


def test_it_steps_beneath_loops_over_the_data_of_parameters():
    model = network()
    for _ in range(3):
        model.zero_grad()
        backward(model)
        for parameter in model.parameters():
            parameter.data.add_(parameter.grad, alpha=-0.1)
    assert gamma_after(model) != 0.5 and abs(gamma_after(model) - 0.5) <= 3 * STEP


@pytest.mark.parametrize("scale", [1e-20, 65536.0])
def test_the_scale_of_the_loss_is_no_matter(scale):
    models = network(), network()
    for model, by in zip(models, (1.0, scale)):
        backward(model, by)
        for parameter in model.parameters():
            parameter.grad /= by
        sgd(model).step()
    assert gamma_after(models[0]) == gamma_after(models[1]) != 0.5


def test_an_infinite_gradient_moves_nothing():
    model = network()
    backward(model)
    model[2].gamma.grad.fill_(float("inf"))
    sgd(model).step()
    assert gamma_after(model) == 0.5


def test_several_backwards_make_one_step():
    model = network()
    backward(model, seed=1)
    first = float(model[2].gamma.grad)
    backward(model, seed=2)
    assert float(model[2].gamma.grad) != first
    sgd(model).step()
    assert abs(gamma_after(model) - 0.5) == STEP


def test_what_the_user_drops_of_the_weights_gradient_is_dropped():
    # As of a discriminator: the generator's loss goes through it, and its own optimizer does not step.
    for dropped in ("none", "zero"):
        model = network()
        backward(model, -1.0)
        model.zero_grad(set_to_none=dropped == "none")
        backward(model)
        other = network()
        backward(other)
        assert torch.equal(model[2].gamma.grad, other[2].gamma.grad)


def test_gradients_of_inputs_alone_gather_none():
    model = network()
    x = torch.randn(5, 8, requires_grad=True)
    torch.autograd.grad(model(x).sum(), x)
    assert model[0].gamma.grad is None and model[2].gamma.grad is None


def test_a_frozen_layer_keeps_it():
    model = network()
    model[2].weight.requires_grad_(False)
    optimizer = sgd(model)
    for _ in range(3):
        backward(model)
        optimizer.step()
    assert gamma_after(model) == 0.5


def test_weight_decay_and_clipping_do_not_meet_it():
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=10.0)
    for step in range(20):
        optimizer.zero_grad()
        backward(model, seed=step)
        nn.utils.clip_grad_norm_(model.parameters(), 1e-9)
        optimizer.step()
    assert 0 < abs(gamma_after(model) - 0.5) <= 20 * STEP


def test_a_resumed_training_is_the_one_that_went_on():
    model = network()
    for step in range(4):
        if step == 2:
            saved = io.BytesIO()
            torch.save(model.state_dict(), saved)
            copied, resumed = copy.deepcopy(model), network()
            saved.seek(0)
            resumed.load_state_dict(torch.load(saved))
        for one in (model,) if step < 2 else (model, copied, resumed):
            one.zero_grad()
            backward(one, seed=step)
            sgd(one).step()
    for one in (copied, resumed):
        for (name, value), other in zip(model.state_dict().items(), one.state_dict().values()):
            assert torch.equal(value, other), name
    assert gamma_after(model) != 0.5


def test_a_checkpoint_that_is_loaded_ends_what_was_due():
    model = network()
    saved = copy.deepcopy(model.state_dict())
    backward(model)
    model.load_state_dict(saved)
    sgd(model).step()
    assert gamma_after(model) == 0.5


def test_an_optimizer_of_the_users():
    torch.manual_seed(3)
    model = pc.quantize(nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4)), gamma=0.5, gamma_step=0)
    optimizer = torch.optim.SGD([{"params": model.parameters()}, {"params": pc.gammas(model)}], lr=0.01)
    backward(model)
    expected = model[2].gamma - 0.01 * model[2].gamma.grad
    optimizer.step()
    assert torch.equal(model[2].gamma, expected) and expected != 0.5
    optimizer.zero_grad()
    backward(model, seed=1)
    assert gamma_after(model) == float(expected)


def test_in_other_types_it_stays_binary32():
    for cast in (nn.Module.double, nn.Module.bfloat16):
        model = network()
        cast(model)
        assert model[2].weight.dtype != torch.float32 and model[2].gamma.dtype == torch.float32
        x = torch.randn(32, 8).to(model[2].weight.dtype)
        F.cross_entropy(model(x), torch.zeros(32, dtype=torch.long)).backward()
        sgd(model).step()
        assert abs(gamma_after(model) - 0.5) == STEP


def test_weights_that_are_computed_have_one():
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.utils.weight_norm(nn.Linear(8, 4)))
    pc.quantize(model, gamma=0.5, gamma_step=STEP)
    optimizer = sgd(model)
    for step in range(2):
        backward(model, seed=step)
        optimizer.step()
    assert abs(float(model[2].gamma) - 0.5) == STEP


def test_no_parameter_is_added_in_any_way():
    # minGPT's: every parameter is one of those that decay, or one of those that do not.
    model = network()
    decay = {n for n, _ in model.named_parameters() if n.endswith("weight")}
    no_decay = {n for n, _ in model.named_parameters() if n.endswith("bias")}
    assert decay | no_decay == {n for n, _ in model.named_parameters()}
    backward(model)
    for parameter in model.parameters():
        parameter.data.add_(parameter.grad, alpha=-0.1)


@pytest.mark.parametrize("step", [-1e-9, 1.5, float("nan")])
def test_a_step_out_of_range_is_refused(step):
    with pytest.raises(ValueError, match=r"gamma_step lies in \[0, 1\]"):
        pc.quantize(nn.Linear(2, 2), gamma_step=step)


def replica(rank, folder, quantize_first, results):
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2
    )
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4))
    if quantize_first:
        model = DistributedDataParallel(pc.quantize(model, gamma=0.5, gamma_step=STEP))
    else:
        model = pc.quantize(DistributedDataParallel(model), gamma=0.5, gamma_step=STEP)
    optimizer = sgd(model)
    for step in range(20):
        optimizer.zero_grad()
        backward(model, seed=2 * step + rank)
        optimizer.step()
    parameters = [p.detach().tolist() for p in model.parameters()]
    results.put((rank, parameters, [float(g) for g in pc.gammas(model)]))


@pytest.mark.parametrize("quantize_first", [True, False])
def test_replicas_do_not_drift_apart(quantize_first, tmp_path):
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    replicas = [
        context.Process(target=replica, args=(rank, tmp_path, quantize_first, results)) for rank in (0, 1)
    ]
    for process in replicas:
        process.start()
    first, second = sorted(results.get(timeout=120) for _ in replicas)
    for process in replicas:
        process.join()
    assert first[1] == second[1]
    assert first[2][0] == second[2][0] == 0.5  # of the first layer, which has no gradient for it
    for one, other in zip(first[2][1:], second[2][1:]):
        # Rank 0's is everybody's at each forward, which then takes a step of its own.
        assert one != 0.5 and abs(one - other) <= 2 * STEP
