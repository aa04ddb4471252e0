using System.Text;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Weights;

/// <summary>What a file says of one of its tensors.</summary>
/// <param name="Name">The file's own name for the tensor, unique in the file.</param>
/// <param name="DataType">The element type in the file.</param>
/// <param name="Shape">The dimensions, each at least 0; empty for a scalar.</param>
public record TensorEntry(string Name, ScalarType DataType, IReadOnlyList<long> Shape)
{
    private static readonly ScalarType[] FloatingTypes = [ScalarType.Float16, ScalarType.BFloat16, ScalarType.Float32, ScalarType.Float64];

    /// <summary>Floating-point values are converted to another floating-point type; any other type must be the file's.</summary>
    internal bool HasTypeFor(Tensor target) =>
        target.dtype == DataType || (FloatingTypes.Contains(target.dtype) && FloatingTypes.Contains(DataType));

    internal bool HasShapeOf(Tensor target) => Shape.SequenceEqual(target.shape);

    /// <summary>A name as error messages show it: names come from untrusted files.</summary>
    internal static string Quote(string name)
    {
        const int Shown = 100;
        var quoted = new StringBuilder("'");
        foreach (var c in name.AsSpan(0, Math.Min(name.Length, Shown)))
            quoted.Append(char.IsControl(c) || char.IsSurrogate(c) ? $"\\u{(int)c:x4}" : c.ToString());
        return quoted.Append(name.Length > Shown ? "...'" : "'").ToString();
    }

    internal static string Show(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";
}
