"""From the shots of a range finder to one distance: most of them must agree."""

from micropython import const

_FEWEST = const(3)
_APART = const(60)  # mm: farther from the median is another echo


def judge(good, near, silent, nearest):
    """The median in mm of the shots that agree among `good`, None when there are too few of any sort.

    `near` shots saw something nearer than `nearest` mm, `silent` ones no echo in range. Raises ValueError when most are
    of these, or no three agree.
    """
    good.sort()
    agreed = [mm for mm in good if abs(mm - good[len(good) // 2]) <= _APART]
    if len(agreed) >= _FEWEST:
        return agreed[len(agreed) // 2]
    shots = len(good) + near + silent
    if near >= _FEWEST:
        raise ValueError("blocked: something is nearer than %d mm" % nearest)
    if silent >= _FEWEST:
        raise ValueError("no echo in range: %d shots of %d" % (silent, shots))
    if shots < _FEWEST:
        return None
    raise ValueError("no three shots agree: %s mm, %d near, %d silent" % (good, near, silent))
