namespace CrnMlNet.Torch.Training;

/// <summary>In which numbers a training computes its 3x3 convolutions. Weights, their gradients and Adam, normalisation and the loss are always float32.</summary>
public enum TrainingPrecision
{
    /// <summary><see cref="BFloat16"/> on GPUs, <see cref="Float32"/> on the CPU, where Winograd's convolutions are faster.</summary>
    Auto,

    /// <summary>float32; on the CPU by Winograd's convolutions where these pay.</summary>
    Float32,

    /// <summary>bfloat16, of 8 significant bits. A processor without such instructions (AVX512_BF16 or AMX) emulates them, slowly.</summary>
    BFloat16,
}
