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
    private readonly Objective _objective = options.Objective;
    private FeatureObjective _comparison = Compare(perception, images, options.Diversity, lambda.Weights);

    /// <summary>What is minimized, in words.</summary>
    public string Description => string.Join(" + ", Descriptions());

    /// <summary>To be told before the first step of an epoch.</summary>
    /// <param name="epoch">The epoch, from 1.</param>
    /// <returns>Whether lambda is another now.</returns>
    public bool BeginEpoch(int epoch)
    {
        if (!lambda.BeginEpoch(epoch))
            return false;
        _comparison = Compare(perception, images, options.Diversity, lambda.Weights);
        return true;
    }

    /// <summary>The loss of a training step, in which a discriminator learns first.</summary>
    /// <param name="synthesized">The synthesized images <c>[N, k, 3, H, W]</c>, 0 to 255. Gradients flow to these alone.</param>
    /// <param name="layouts">The layouts <c>[N, c, H, W]</c>.</param>
    /// <param name="photos">The photos <c>[N, 3, H, W]</c>, 0 to 255.</param>
    /// <returns>A scalar tensor.</returns>
    public Tensor OfStep(Tensor synthesized, Tensor layouts, Tensor photos)
    {
        Tensor? measured = null;
        if (_objective.Comparison != Comparison.None)
        {
            var terms = _comparison.Terms(synthesized, layouts, photos);
            lambda.Add(terms.detach().cpu().data<float>().ToArray(), (int)photos.shape[0]);
            measured = _comparison.Loss(terms);
        }
        measured = WithSegmentation(measured, synthesized, layouts);
        if (adversary is null)
            return measured!;
        adversary.Learn(synthesized, layouts, photos);
        var fooled = adversary.Loss(synthesized, layouts, photos);
        return measured?.Plus(fooled) ?? fooled;
    }

    /// <summary>How good images are for layouts and photos that are not learned from: all terms but the adversarial one.</summary>
    public Tensor OfValidation(Tensor synthesized, Tensor layouts, Tensor photos) => WithSegmentation(
        _objective.Comparison == Comparison.None ? null : _comparison.Loss(synthesized, layouts, photos), synthesized, layouts)!;

    private Tensor? WithSegmentation(Tensor? compared, Tensor synthesized, Tensor layouts)
    {
        if (segmenter is null)
            return compared;
        var seen = SegmentationLoss.Of(segmenter, synthesized, layouts).Times(_objective.Segmentation);
        return compared?.Plus(seen) ?? seen;
    }

    private IEnumerable<string> Descriptions()
    {
        if (_objective.Comparison != Comparison.None)
            yield return _comparison.Description;
        foreach (var other in _objective.OtherTerms())
            yield return other;
    }

    private static FeatureObjective Compare(IPerceptionNetwork perception, int images, Diversity diversity, LayerWeights weights) => images == 1
        ? new FeatureMatching(perception, weights)
        : diversity switch
        {
            Diversity.WholeImage => new HindsightLoss(perception, weights),
            _ => new DiversityLoss(perception, weights),
        };
}
