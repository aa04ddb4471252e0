using CrnMlNet.Torch.Networks;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Training;

/// <summary>
/// The noise of a training step: drawn anew for each pair, once or several times. Of several, each pair gets that whose image is the nearest to the photo:
/// implicit maximum likelihood estimation (Li &amp; Malik, 2018; of layouts Li, Zhang &amp; Malik, ICCV 2019, who train CRN so). An image that is near to no
/// photo is not punished, but near to every photo there shall be one; so images may spread over what a layout could show.
/// </summary>
internal static class NearestNoise
{
    /// <summary>Draws, and has networks on this thread get what was chosen.</summary>
    /// <param name="network">The network.</param>
    /// <param name="loss">What measures.</param>
    /// <param name="layouts">The layouts <c>[N, c, H, W]</c>.</param>
    /// <param name="photos">The photos <c>[N, 3, H, W]</c>.</param>
    /// <param name="options">How many, and the seed.</param>
    /// <param name="step">The step's number: what is drawn follows from that and the seed.</param>
    /// <returns>To be disposed after the step.</returns>
    public static NoiseSamples Of(SynthesisNetwork network, TrainingLoss loss, Tensor layouts, Tensor photos, TrainingOptions options, long step)
    {
        var random = new Random(TrainingLoss.SeedOf(options.Seed, step));
        var drawn = new ulong[options.NoiseSamples][];
        for (int sample = 0; sample < drawn.Length; sample++)
            drawn[sample] = [.. Enumerable.Range(0, (int)layouts.shape[0]).Select(_ => (ulong)random.NextInt64(1, long.MaxValue))];
        if (drawn.Length == 1)
            return new NoiseSamples(drawn[0]);

        double[][] distances = [.. drawn.Select(seeds => Distances(network, loss, layouts, photos, seeds))];
        return new NoiseSamples([.. Enumerable.Range(0, (int)layouts.shape[0]).Select(pair => drawn.Zip(distances).MinBy(sample => sample.Second[pair]).First[pair])]);
    }

    private static double[] Distances(SynthesisNetwork network, TrainingLoss loss, Tensor layouts, Tensor photos, ulong[] seeds)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        using var noise = new NoiseSamples(seeds);
        var images = network.forward(layouts);
        return [.. Enumerable.Range(0, seeds.Length).Select(pair =>
            (double)loss.OfValidation(images.narrow(0, pair, 1), layouts.narrow(0, pair, 1), photos.narrow(0, pair, 1)).item<float>())];
    }
}
