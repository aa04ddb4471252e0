using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Training;

/// <summary>The loss of one training: the weighted sum of its objective's terms, with all in them that changes from step to step.</summary>
/// <param name="perception">Phi. Stays the caller's to dispose.</param>
/// <param name="images">k, how many images are synthesized for a layout.</param>
/// <param name="options">How is trained.</param>
/// <param name="lambda">The weights of the layers that are compared.</param>
/// <param name="adversary">The discriminator, where there is an adversarial term. Stays the caller's to dispose.</param>
/// <param name="segmenter">The segmentation network, where its term is asked for. Stays the caller's to dispose.</param>
internal sealed class TrainingLoss(
    IPerceptionNetwork perception, int images, TrainingOptions options, LayerWeightSchedule lambda, Adversary? adversary, SegmentationNetwork? segmenter)
{
    /// <summary>What <see cref="Comparison.LowResolution"/> averages over, in pixels.</summary>
    private const int LowResolutionCell = 4;

    private readonly Objective _objective = options.Objective;
    private FeatureObjective _comparison = Compare(perception, images, options, lambda.Weights);

    /// <summary>The seed of what is drawn by chance in a step: by odd multipliers, so that no two steps of a seed have the same.</summary>
    public static int SeedOf(int seed, long step) => unchecked(seed * (int)0x9E3779B1 + (int)step * (int)0x85EBCA6B);

    /// <summary>What is minimized, in words.</summary>
    public string Description => string.Join(" + ", Descriptions());

    /// <summary>To be told before the first step of an epoch.</summary>
    /// <param name="epoch">The epoch, from 1.</param>
    /// <returns>Whether lambda is another now.</returns>
    public bool BeginEpoch(int epoch)
    {
        if (!lambda.BeginEpoch(epoch))
            return false;
        _comparison = Compare(perception, images, options, lambda.Weights);
        return true;
    }

    /// <summary>The loss of a training step, in which a discriminator learns first.</summary>
    /// <param name="synthesized">The synthesized images <c>[N, k, 3, H, W]</c>, 0 to 255. Gradients flow to these alone.</param>
    /// <param name="layouts">The layouts <c>[N, c, H, W]</c>.</param>
    /// <param name="photos">The photos <c>[N, 3, H, W]</c>, 0 to 255.</param>
    /// <param name="step">The step's number: what is drawn by chance in it follows from that and the seed.</param>
    /// <returns>A scalar tensor.</returns>
    public Tensor OfStep(Tensor synthesized, Tensor layouts, Tensor photos, long step)
    {
        Tensor? measured = null;
        if (_objective.Comparison != Comparison.None)
        {
            var terms = _comparison.Terms(Seen(synthesized), layouts, Seen(photos));
            lambda.Add(terms.detach().cpu().data<float>().ToArray(), (int)photos.shape[0]);
            measured = _comparison.Loss(terms);
        }
        measured = WithSegmentation(measured, synthesized, layouts);
        measured = WithTexture(measured, synthesized, layouts, photos, SeedOf(options.Seed, step));
        if (adversary is null)
            return measured!;
        adversary.Learn(synthesized, layouts, photos);
        var fooled = adversary.Loss(synthesized, layouts, photos, step);
        return measured?.Plus(fooled) ?? fooled;
    }

    /// <summary>How good images are for layouts and photos that are not learned from: all terms but the adversarial one.</summary>
    public Tensor OfValidation(Tensor synthesized, Tensor layouts, Tensor photos)
    {
        var compared = _objective.Comparison == Comparison.None ? null : _comparison.Loss(Seen(synthesized), layouts, Seen(photos));
        // The same filters and places after each epoch, so that the losses compare.
        return WithTexture(WithSegmentation(compared, synthesized, layouts), synthesized, layouts, photos, options.Seed)!;
    }

    /// <summary>What the comparison sees of pictures <c>[..., 3, H, W]</c>.</summary>
    private Tensor Seen(Tensor pictures)
    {
        if (_objective.Comparison != Comparison.LowResolution)
            return pictures;
        // The last cells of a size that is no multiple are smaller.
        var cells = nn.functional.avg_pool2d(pictures.flatten(0, -4), LowResolutionCell, ceil_mode: true);
        return cells.reshape([.. pictures.shape.SkipLast(2), .. cells.shape.TakeLast(2)]);
    }

    private Tensor? WithSegmentation(Tensor? compared, Tensor synthesized, Tensor layouts)
    {
        if (segmenter is null)
            return compared;
        var seen = SegmentationLoss.Of(segmenter, synthesized, layouts).Times(_objective.Segmentation);
        return compared?.Plus(seen) ?? seen;
    }

    private Tensor? WithTexture(Tensor? others, Tensor synthesized, Tensor layouts, Tensor photos, int seed)
    {
        if (_objective.Texture == 0)
            return others;
        var texture = TextureLoss.Of(synthesized, layouts, photos, new Random(seed)).Times(_objective.Texture);
        return others?.Plus(texture) ?? texture;
    }

    private IEnumerable<string> Descriptions()
    {
        if (_objective.Comparison != Comparison.None)
        {
            string seen = _objective.Comparison == Comparison.LowResolution ? $" of images averaged over {LowResolutionCell}x{LowResolutionCell} pixels" : "";
            string smooth = _objective.SmoothBelow > 0 ? FormattableString.Invariant($", smooth below {_objective.SmoothBelow} gray levels") : "";
            yield return _comparison.Description + seen + smooth;
        }
        foreach (var other in _objective.OtherTerms())
            yield return other;
    }

    private static FeatureObjective Compare(IPerceptionNetwork perception, int images, TrainingOptions options, LayerWeights weights)
    {
        double smoothBelow = options.Objective.SmoothBelow;
        return (images, options.Diversity) switch
        {
            (1, _) => new FeatureMatching(perception, weights) { SmoothBelow = smoothBelow },
            (_, Diversity.WholeImage) => new HindsightLoss(perception, weights) { SmoothBelow = smoothBelow },
            _ => new DiversityLoss(perception, weights) { SmoothBelow = smoothBelow },
        };
    }
}
