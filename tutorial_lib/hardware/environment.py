"""What must be said to TensorFlow and Keras before they are imported."""

import os


def prepare_tensorflow() -> None:
    """Make TensorFlow quiet, and fast on every CPU, and let Keras compute with it.

    Call it before TensorFlow's first import. What the user has set of TensorFlow's own variables
    stays. It uses its oneDNN kernels by default only on CPUs with certain instructions (AVX-512
    VNNI, bfloat16), but on others too a training step takes nearly half as long with them
    (chapter 8).
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ["KERAS_BACKEND"] = "tensorflow"  # training needs it, whatever keras.json says
