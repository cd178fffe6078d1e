"""How much of the machine's time a virtual machine's host gave to others (``steal`` in ``/proc/stat``)."""

import psutil

#: A measurement during which it was a larger share than this says nothing about us.
STOLEN = 0.05


class Stolen:
    """A watch that begins with the object."""

    def __init__(self) -> None:
        self._times = psutil.cpu_times()

    def share(self) -> float:
        """Of all processors' time since the last question; 0 where the system does not tell."""
        before, self._times = self._times, psutil.cpu_times()
        spent = sum(self._times) - sum(before)
        return (getattr(self._times, "steal", 0.0) - getattr(before, "steal", 0.0)) / spent if spent else 0.0
