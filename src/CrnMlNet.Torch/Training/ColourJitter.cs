using CrnMlNet.Torch.Backend;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Training;

/// <summary>Photos in other light: each darker or brighter, and paler or more colourful, by chance.</summary>
internal static class ColourJitter
{
    /// <summary>Changes photos.</summary>
    /// <param name="photos">The photos <c>[N, 3, H, W]</c>, 0 to 255.</param>
    /// <param name="strength">The most by which brightness and saturation are scaled: each factor is uniform from 1 less this to 1 plus this.</param>
    /// <param name="seed">Decides the factors.</param>
    /// <returns>Such photos, 0 to 255.</returns>
    public static Tensor Apply(Tensor photos, double strength, int seed)
    {
        using var scope = NewDisposeScope();
        var random = new Random(seed);
        float[] factors = [.. Enumerable.Range(0, 2 * (int)photos.shape[0]).Select(_ => (float)(1 + strength * (2 * random.NextDouble() - 1)))];
        var drawn = tensor(factors, [2, photos.shape[0], 1, 1, 1], device: photos.device);
        var shades = photos.mean([1], keepdim: true);
        return (shades.Plus((photos - shades) * drawn[1]) * drawn[0]).Within(0, 255).MoveToOuterDisposeScope();
    }
}
