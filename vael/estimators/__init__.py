"""The scikit-learn face: `VAE`, `VAEDetector` and `VAEClusterer` fit on arrays of rows and keep no run folder.

    from vael.estimators import VAEDetector

    detector = VAEDetector().fit(normal_rows)
    detector.decision_function(rows)        # below 0: an anomaly
    detector.p_values(rows)                 # of calibrated detectors

They train with the same model, objective and loop as `vael.train`, work in `Pipeline`, `GridSearchCV` and `clone`, and
are pickled with their weights as safetensors bytes. Results are the same for the same `random_state`.
"""

from vael.estimators.clusterer import VAEClusterer
from vael.estimators.detector import VAEDetector
from vael.estimators.vae import VAE

__all__ = ["VAE", "VAEClusterer", "VAEDetector"]
