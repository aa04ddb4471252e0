using CrnMlNet.Data;

namespace CrnMlNet;

/// <summary>What is done to photos, at the working size, before a network learns from them.</summary>
public enum PhotoPreprocessing
{
    /// <summary>Nothing: the network learns to paint photos as they are.</summary>
    None,

    /// <summary>The CRN authors' tone mapping, which they gave the photos of Cityscapes for 512x1024 and 1024x2048 pixels; see
    /// <see cref="VividTones"/>. The network learns to paint such photos.</summary>
    Vivid,
}
