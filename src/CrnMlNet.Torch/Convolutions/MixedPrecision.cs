namespace CrnMlNet.Torch.Convolutions;

/// <summary>
/// Whether 3x3 convolutions on this thread compute in bfloat16, forwards and in the backward pass of what was then made: mixed precision (Micikevicius
/// et al., 2018, with bfloat16, whose range is float32's, so that no loss is scaled). Weights, sums over maps and all else stay float32.
/// </summary>
internal static class MixedPrecision
{
    [ThreadStatic]
    private static bool _isOn;

    public static bool IsOn => _isOn;

    /// <summary>Switches it until what is returned is disposed.</summary>
    public static Scope Use(bool isOn)
    {
        var scope = new Scope(_isOn);
        _isOn = isOn;
        return scope;
    }

    /// <summary>Restores what was before.</summary>
    public readonly struct Scope(bool before) : IDisposable
    {
        public void Dispose() => _isOn = before;
    }
}
