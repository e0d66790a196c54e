"""The common grid of unlike feature maps."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F
from torch.testing import assert_close

from fckd.distill.grids import common_grid
from tests.distill.maps import normal

MANY = 1000
AXIS = st.integers(1, 7)
GRIDS = st.lists(AXIS, min_size=1, max_size=3).map(tuple)


@given(GRIDS, GRIDS, st.integers(2, 9))
def test_both_sides_end_on_the_same_grid_which_is_no_finer_than_either(ours, theirs, positions):
    student, teacher = common_grid(normal(2, 3, *ours), normal(2, 3, *theirs), positions)
    assert student.shape == teacher.shape
    time = min(ours[0], theirs[0], positions)
    image = len(ours) == len(theirs) == 3
    space = min(ours[1], theirs[1]) * min(ours[2], theirs[2]) if image else 1
    assert student.shape == (2, 3, time * space)


@given(GRIDS, GRIDS)
def test_a_constant_map_stays_that_constant(ours, theirs):
    for side in common_grid(torch.full((1, 2, *ours), 3.0), torch.full((1, 2, *theirs), 3.0), 4):
        assert_close(side, torch.full_like(side, 3.0))


@pytest.mark.parametrize("grid", [(4,), (4, 3, 2)])
def test_equal_grids_are_left_as_they_are(grid):
    ours, theirs = normal(2, 3, *grid, seed=1), normal(2, 3, *grid, seed=2)
    student, teacher = common_grid(ours, theirs, MANY)
    assert_close(student, ours.flatten(2))
    assert_close(teacher, theirs.flatten(2))


def test_the_finer_side_is_averaged_to_the_coarser_one_axis_by_axis():
    fine, coarse = normal(2, 3, 4, 6, 4), normal(2, 3, 2, 6, 2, seed=1)
    pooled, kept = common_grid(fine, coarse, MANY)
    by_hand = fine.reshape(2, 3, 2, 2, 6, 2, 2).mean(dim=(3, 6))
    assert_close(pooled, by_hand.flatten(2))
    assert_close(kept, coarse.flatten(2))


IMAGES = st.tuples(AXIS, AXIS, AXIS)


@given(IMAGES, IMAGES)
def test_the_cells_are_those_of_adaptive_pooling(ours, theirs):
    student, teacher = normal(2, 3, *ours), normal(2, 3, *theirs, seed=1)
    grid = [min(pair) for pair in zip(ours, theirs, strict=True)]
    pooled = [F.adaptive_avg_pool3d(side, grid).flatten(2) for side in (student, teacher)]
    for found, wanted in zip(common_grid(student, teacher, MANY), pooled, strict=True):
        assert_close(found, wanted)


def test_each_axis_has_its_own_coarser_side():
    student, teacher = common_grid(normal(1, 1, 8, 2, 2), normal(1, 1, 4, 6, 6), MANY)
    assert student.shape == teacher.shape == (1, 1, 4 * 2 * 2)


def test_a_graph_and_a_video_share_only_time():
    graph, video = normal(2, 3, 4, 20), normal(2, 3, 8, 5, 5, seed=1)
    student, teacher = common_grid(video, graph, MANY)
    assert_close(teacher, graph.mean(dim=3))
    assert_close(student, video.mean(dim=(3, 4)).reshape(2, 3, 4, 2).mean(dim=3))


def test_two_graphs_share_only_time_for_their_joints_may_be_others():
    ours, theirs = normal(2, 3, 4, 20), normal(2, 3, 4, 17, seed=1)
    student, teacher = common_grid(ours, theirs, MANY)
    assert_close(student, ours.mean(dim=3))
    assert_close(teacher, theirs.mean(dim=3))


def test_a_series_and_a_video_share_only_time():
    series, video = normal(2, 3, 4), normal(2, 3, 4, 5, 5, seed=1)
    student, teacher = common_grid(series, video, MANY)
    assert_close(student, series)
    assert_close(teacher, video.mean(dim=(3, 4)))


@pytest.mark.parametrize("grid", [(12,), (12, 5), (12, 2, 2)])
def test_time_is_capped_also_where_both_sides_are_finer(grid):
    ours = normal(1, 2, *grid)
    student, teacher = common_grid(ours, ours, 3)
    cells = 3 * (4 if len(grid) == 3 else 1)
    assert student.shape == teacher.shape == (1, 2, cells)


def test_time_runs_forward_on_both_sides():
    rising = torch.arange(12.0)
    student, teacher = common_grid(rising.reshape(1, 1, 12), rising.reshape(1, 1, 12, 1, 1), 4)
    assert student.flatten().tolist() == teacher.flatten().tolist() == [1, 4, 7, 10]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_widened(dtype):
    sides = common_grid(normal(1, 2, 4).to(dtype), normal(1, 2, 4, 3, 3).to(dtype), 4)
    assert [side.dtype for side in sides] == [torch.float32] * 2
