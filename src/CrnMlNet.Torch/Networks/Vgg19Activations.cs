using System.Globalization;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>
/// A checksum of a VGG-19: how strongly its taps answer to one fixed picture. It depends on every weight, on their order, on the
/// normalisation, and on how libtorch computes; but rounding, which differs from machine to machine, leaves it as it is.
/// </summary>
/// <remarks>
/// The picture is <see cref="DeadLeaves"/> at 96x96. Of each tap there are two numbers: the mean of all its activations, and
/// their mean with map c of C counted c/C times (c from 1), which tells maps in another order. A weight that changes by so
/// little that no number moves by a thousandth is not noticed, and makes no difference to a training either.
/// </remarks>
internal sealed record Vgg19Activations
{
    private const int PictureSize = 96;

    /// <summary>Far above the rounding of float32 sums, about 1e-5.</summary>
    private const double Tolerance = 1e-3;

    private readonly IReadOnlyList<(string Tap, double Mean, double ByMap)> _taps;

    private Vgg19Activations(IReadOnlyList<(string, double, double)> taps) => _taps = taps;

    /// <summary>Looks at the picture.</summary>
    /// <param name="network">The network, on the CPU.</param>
    public static Vgg19Activations Of(Vgg19 network)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var taps = network.Features(DeadLeaves.Picture(PictureSize));
        return new([.. taps.Zip(network.Taps, (activations, tap) =>
        {
            var means = activations.mean([0, 2, 3]).data<float>();
            return (tap, means.Average(mean => (double)mean), means.Select((mean, c) => mean * (c + 1.0) / means.Count).Average());
        })])
        {
            // A map that biases alone make is the same everywhere but at the border.
            IsAlive = taps.All(tap => tap.narrow(2, 2, tap.shape[2] - 4).narrow(3, 2, tap.shape[3] - 4).std([2, 3], unbiased: false).max().item<float>() is > 0 and < float.PositiveInfinity),
        };
    }

    /// <summary>Whether each tap sees that the picture is not the same everywhere, and none overflows.</summary>
    public bool IsAlive { get; private init; } = true;

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    /// <exception cref="FormatException">It is damaged.</exception>
    public static Vgg19Activations Parse(string text) => new([.. text.Split(", ").Select(part =>
        part.Split(' ', '/') is [var tap, var mean, var byMap]
            ? (tap, double.Parse(mean, CultureInfo.InvariantCulture), double.Parse(byMap, CultureInfo.InvariantCulture))
            : throw new FormatException($"'{part}' is no tap's activations."))]);

    /// <summary>Whether the same network gave both.</summary>
    public bool Agrees(Vgg19Activations other) =>
        _taps.Count == other._taps.Count && _taps.Zip(other._taps).All(pair =>
            pair.First.Tap == pair.Second.Tap && IsNear(pair.First.Mean, pair.Second.Mean) && IsNear(pair.First.ByMap, pair.Second.ByMap));

    /// <summary>The numbers: <c>conv1_2 0.41234/0.20123, conv2_2 ...</c></summary>
    public override string ToString() =>
        string.Join(", ", _taps.Select(tap => FormattableString.Invariant($"{tap.Tap} {tap.Mean:G5}/{tap.ByMap:G5}")));

    // So written that what is not a number is near to nothing.
    private static bool IsNear(double a, double b) => Math.Abs(a - b) <= Tolerance * Math.Max(Math.Abs(a), Math.Abs(b));
}
