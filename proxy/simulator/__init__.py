"""An upstream of our own inside the engine: the Messages format in full, without key, network or money.

The engine mounts ``SimulatorTransport`` for ``http://NAME.simulator.invalid`` and treats NAME like any
provider. What is said is decided in pure modules (``request``, ``prompt_cache``, ``script``, ``wire``); only
``transport`` waits and knows httpx.
"""

from proxy.simulator.plan import HOST_SUFFIX, Fault, SimulatorPlan
from proxy.simulator.transport import SimulatorTransport

__all__ = ["HOST_SUFFIX", "Fault", "SimulatorPlan", "SimulatorTransport"]
