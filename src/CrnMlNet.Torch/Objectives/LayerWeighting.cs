using System.ComponentModel;
using System.Globalization;
using CrnMlNet.Torch.Networks;

namespace CrnMlNet.Torch.Objectives;

/// <summary>
/// How the weights lambda of the layers are chosen: calibrated before training, as the paper does, the authors' published
/// ones, or given by hand. As text: <c>calibrated</c>, <c>paper</c>, <c>paper:20</c>, <c>cityscapes-256p</c>,
/// <c>1, 0.6, 0.4</c>, and so on.
/// </summary>
/// <remarks>
/// The published weights are those of the authors' scripts, "collected at 100th epoch". They are for VGG-19 with the weights
/// of MatConvNet's <c>imagenet-vgg-verydeep-19</c>, which takes gray levels less their mean: with others the layers have
/// other scales.
/// </remarks>
[TypeConverter(typeof(LayerWeightingConverter))]
public sealed class LayerWeighting
{
    private const string CalibratedName = "calibrated";
    private const string PaperName = "paper";
    private const int PaperEpochs = 100;

    private static readonly string[] AuthorsLayers = [LayerWeights.Image, "conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2"];

    private readonly string _text;

    private LayerWeighting(string text) => _text = text;

    /// <summary>
    /// Each layer contributes equally, the image with weight 1, when every class is painted flat in its mean colour: measured on the
    /// training pairs before training, and kept.
    /// </summary>
    public static LayerWeighting Calibrated { get; } = new(CalibratedName);

    /// <summary>The authors' for Cityscapes at 256x512 (demo_256p.py).</summary>
    public static LayerWeighting Cityscapes256p { get; } = new("cityscapes-256p") { Published = true, Values = [1, 1 / 1.6, 1 / 2.3, 1 / 1.8, 1 / 2.8, 10 / 0.8] };

    /// <summary>The authors' for Cityscapes at 512x1024 (demo_512p.py).</summary>
    public static LayerWeighting Cityscapes512p { get; } = new("cityscapes-512p") { Published = true, Values = [1, 1 / 2.6, 1 / 4.8, 1 / 3.7, 1 / 5.6, 10 / 1.5] };

    /// <summary>The authors' for Cityscapes at 1024x2048 (demo_1024p.py): the same as at 512x1024.</summary>
    public static LayerWeighting Cityscapes1024p { get; } = new("cityscapes-1024p") { Published = true, Values = Cityscapes512p.Values };

    /// <summary>The authors' for GTA5 at 256x512 (GTA_Diversity_256p.py).</summary>
    public static LayerWeighting Gta { get; } = new("gta") { Published = true, Values = [1, 1 / 1.4, 1 / 1.8, 1 / 1.3, 1 / 2.2, 10 / 0.62] };

    /// <summary>The names that <see cref="Parse"/> knows, beside <c>paper:</c> with a number of epochs.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Named.Select(weighting => weighting._text)];

    /// <summary>After which epoch the weights are rescaled, so that each layer contributes as much as the image did in that epoch; null: never.</summary>
    public int? RescaleAfter { get; private init; }

    /// <summary>Whether these are the authors' constants.</summary>
    public bool Published { get; private init; }

    private static LayerWeighting[] Named => [Calibrated, Paper(), Cityscapes256p, Cityscapes512p, Cityscapes1024p, Gta];

    /// <summary>The weights to begin with; null: they follow from the perception network and the training pairs.</summary>
    internal IReadOnlyList<double>? Values { get; private init; }

    /// <summary>
    /// As in the paper: at first the inverse of each layer's number of elements (which, as layers are averaged here, is 1 for each),
    /// and after some epochs such weights that each layer's expected contribution is the same, the image's weight being 1.
    /// The expectation is the mean of what the layers contributed in the last of these epochs.
    /// </summary>
    /// <param name="rescaleAfter">After how many epochs, at least 1; the paper's authors: 100.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="rescaleAfter"/> is below 1.</exception>
    public static LayerWeighting Paper(int rescaleAfter = PaperEpochs)
    {
        if (rescaleAfter < 1)
            throw new ArgumentOutOfRangeException(nameof(rescaleAfter), rescaleAfter, "Layer weights are rescaled after 1 epoch or more.");
        return new(rescaleAfter == PaperEpochs ? PaperName : string.Create(CultureInfo.InvariantCulture, $"{PaperName}:{rescaleAfter}")) { RescaleAfter = rescaleAfter };
    }

    /// <summary>Weights by hand.</summary>
    /// <param name="values">A weight above zero for the image, then one for each tap of the perception network, fine to coarse.</param>
    /// <exception cref="ArgumentException">A weight is not above zero, or there is none.</exception>
    public static LayerWeighting Given(IReadOnlyList<double> values)
    {
        if (values.Count == 0)
            throw new ArgumentException("Layer weights are needed: one for the image, then one for each layer of the perception network.", nameof(values));
        foreach (double value in values)
        {
            if (!(value > 0 && double.IsFinite(value)))
                throw new ArgumentException(FormattableString.Invariant($"Layer weight {value} is not a number above zero."), nameof(values));
        }
        return new(string.Join(", ", values.Select(value => value.ToString(CultureInfo.InvariantCulture)))) { Values = [.. values] };
    }

    /// <summary>Reads what <see cref="ToString"/> writes.</summary>
    /// <param name="text">A name, <c>paper:</c> and a number of epochs, or weights with commas between them.</param>
    /// <exception cref="ArgumentException">It is none of these, or a weight is not above zero.</exception>
    public static LayerWeighting Parse(string text)
    {
        text = text.Trim();
        if (Named.FirstOrDefault(weighting => weighting._text.Equals(text, StringComparison.OrdinalIgnoreCase)) is { } named)
            return named;
        if (text.Split(':') is [var paper, var epochs] && paper.Equals(PaperName, StringComparison.OrdinalIgnoreCase)
            && int.TryParse(epochs, NumberStyles.None, CultureInfo.InvariantCulture, out int rescaleAfter) && rescaleAfter > 0)
            return Paper(rescaleAfter);
        var values = new List<double>();
        foreach (var part in text.Split(','))
        {
            if (!double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out double value))
                throw new ArgumentException(
                    $"Layer weights '{text}' are none of {string.Join(", ", Names)}, nor {PaperName}:N with a number of epochs, nor weights with commas between them, such as 1,0.6,0.4.", nameof(text));
            values.Add(value);
        }
        return Given(values);
    }

    /// <summary>The text that <see cref="Parse"/> reads.</summary>
    public override string ToString() => _text;

    /// <summary>Checks that there is a weight for each layer that is compared.</summary>
    /// <param name="perception">The perception network.</param>
    /// <exception cref="ArgumentException">The weights are for other layers than those that the network compares.</exception>
    public void Check(IPerceptionNetwork perception) => StartFor(perception);

    /// <summary>What speaks against these weights, in a sentence; null: nothing.</summary>
    /// <param name="perception">A perception network that has the layers.</param>
    internal string? DoubtAbout(IPerceptionNetwork perception) =>
        Published && perception is Vgg19 { Source.Normalisation: var normalisation } && normalisation == Vgg19Normalisation.TorchVision
            ? $"The layer weights '{_text}' are for VGG-19 with MatConvNet's weights; in torchvision's, which are in use, the layers have other scales. '{CalibratedName}' fits any."
            : null;

    /// <summary>The weights to begin with for a perception network; null when they must be calibrated.</summary>
    /// <exception cref="ArgumentException">They are for other layers than those that the network compares.</exception>
    internal LayerWeights? StartFor(IPerceptionNetwork perception)
    {
        var layers = FeatureObjective.LayersOf(perception);
        if (RescaleAfter is not null)
            return LayerWeights.Even(layers);
        if (Values is not { } values)
            return null;
        if (Published && !layers.SequenceEqual(AuthorsLayers))
            throw new ArgumentException(
                $"The layer weights '{_text}' are the authors' for VGG-19, and this training compares in {perception.Description}. "
                + $"Choose '{CalibratedName}' or '{PaperName}', or train with VGG-19.");
        if (values.Count != layers.Count)
            throw new ArgumentException($"{values.Count} layer weights are given, and {layers.Count} are needed: for {string.Join(", ", layers)}.");
        return new LayerWeights(layers, values);
    }
}

/// <summary>Turns the text that <see cref="LayerWeighting.Parse"/> reads into a weighting, for configuration and property editors.</summary>
internal sealed class LayerWeightingConverter() : TextConverter<LayerWeighting>(LayerWeighting.Parse, weighting => weighting.ToString());
