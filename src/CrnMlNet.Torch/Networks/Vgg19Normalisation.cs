using System.ComponentModel;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>What a VGG-19's weights expect of an image's values, which follows from who trained and published them.</summary>
[TypeConverter(typeof(Vgg19NormalisationConverter))]
public sealed class Vgg19Normalisation
{
    private readonly float[] _mean;
    private readonly float[] _deviation;
    private readonly bool _isBlueFirst;

    private Vgg19Normalisation(string name, float[] mean, float[] deviation, bool isBlueFirst = false) =>
        (Name, _mean, _deviation, _isBlueFirst) = (name, mean, deviation, isBlueFirst);

    /// <summary>
    /// torchvision's: RGB from 0 to 1, less ImageNet's mean (0.485, 0.456, 0.406), in units of its standard deviation
    /// (0.229, 0.224, 0.225).
    /// </summary>
    public static Vgg19Normalisation TorchVision { get; } =
        new("torchvision", [0.485f * 255, 0.456f * 255, 0.406f * 255], [0.229f * 255, 0.224f * 255, 0.225f * 255]);

    /// <summary>MatConvNet's, and so the CRN authors': RGB from 0 to 255, less (123.68, 116.779, 103.939).</summary>
    public static Vgg19Normalisation MatConvNet { get; } = new("matconvnet", [123.68f, 116.779f, 103.939f], [1, 1, 1]);

    /// <summary>That of the original Caffe model, and so of jcjohnson's PyTorch file: BGR from 0 to 255, less (103.939, 116.779, 123.68).</summary>
    public static Vgg19Normalisation Caffe { get; } = new("caffe", [103.939f, 116.779f, 123.68f], [1, 1, 1], isBlueFirst: true);

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Vgg19Normalisation> Known { get; } = [TorchVision, MatConvNet, Caffe];

    /// <summary>The name, for files, options and people: <c>torchvision</c>, <c>matconvnet</c> or <c>caffe</c>.</summary>
    public string Name { get; }

    /// <summary>The one of this name.</summary>
    /// <param name="name">The name.</param>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static Vgg19Normalisation Parse(string name) =>
        Known.FirstOrDefault(known => known.Name == name)
        ?? throw new ArgumentException($"'{name}' is no normalisation of VGG-19's images; there are {string.Join(", ", Known)}.", nameof(name));

    /// <summary>Brings images to what the weights expect.</summary>
    /// <param name="images">RGB <c>[N, 3, H, W]</c>, 0 to 255.</param>
    /// <returns>As many values, in the weights' order of colours.</returns>
    public Tensor Apply(Tensor images)
    {
        using var scope = NewDisposeScope();
        var mean = torch.tensor(_mean, [1, 3, 1, 1], device: images.device);
        var deviation = torch.tensor(_deviation, [1, 3, 1, 1], device: images.device);
        return (((_isBlueFirst ? images.flip(1) : images) - mean) / deviation).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>Turns a name into a normalisation, for configuration and property editors.</summary>
internal sealed class Vgg19NormalisationConverter() : TextConverter<Vgg19Normalisation>(Vgg19Normalisation.Parse, normalisation => normalisation.Name);
