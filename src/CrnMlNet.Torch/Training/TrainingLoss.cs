using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Training;

/// <summary>The loss of one training: the sum of its objective's terms, with all in them that changes from step to step.</summary>
/// <param name="perception">Phi. Stays the caller's to dispose.</param>
/// <param name="images">k, how many images are synthesized for a layout.</param>
/// <param name="options">How is trained.</param>
/// <param name="lambda">The weights of the layers.</param>
internal sealed class TrainingLoss(IPerceptionNetwork perception, int images, TrainingOptions options, LayerWeightSchedule lambda)
{
    private FeatureObjective _comparison = Compare(perception, images, options.Diversity, lambda.Weights);

    /// <summary>lambda.</summary>
    public LayerWeightSchedule Lambda => lambda;

    /// <summary>What is minimized, in words.</summary>
    public string Description => _comparison.Description;

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

    /// <summary>The loss of a training step.</summary>
    /// <param name="synthesized">The synthesized images <c>[N, k, 3, H, W]</c>, 0 to 255. Gradients flow to these alone.</param>
    /// <param name="layouts">The layouts <c>[N, c, H, W]</c>.</param>
    /// <param name="photos">The photos <c>[N, 3, H, W]</c>, 0 to 255.</param>
    /// <returns>A scalar tensor.</returns>
    public Tensor OfStep(Tensor synthesized, Tensor layouts, Tensor photos)
    {
        var terms = _comparison.Terms(synthesized, layouts, photos);
        lambda.Add(terms.detach().cpu().data<float>().ToArray(), (int)photos.shape[0]);
        return _comparison.Loss(terms);
    }

    /// <summary>How far images are from photos that are not learned from; see the other method.</summary>
    public Tensor OfValidation(Tensor synthesized, Tensor layouts, Tensor photos) => _comparison.Loss(synthesized, layouts, photos);

    private static FeatureObjective Compare(IPerceptionNetwork perception, int images, Diversity diversity, LayerWeights weights) => images == 1
        ? new FeatureMatching(perception, weights)
        : diversity switch
        {
            Diversity.WholeImage => new HindsightLoss(perception, weights),
            _ => new DiversityLoss(perception, weights),
        };
}
