using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CrnMlNet.Torch.Convolutions;

/// <summary>What the kernels of <see cref="WinogradConvolution"/> do with a vector of floats, whatever its width.</summary>
/// <typeparam name="V">The vector.</typeparam>
/// <remarks>All widths give the same bits, because each lane is computed for itself, and products are fused with sums.</remarks>
internal unsafe interface ILanes<V>
    where V : struct
{
    /// <summary>Floats in a vector.</summary>
    static abstract int Count { get; }

    static abstract V Load(float* source);

    static abstract void Store(V vector, float* destination);

    /// <summary>The number in all lanes.</summary>
    static abstract V Fill(float number);

    static abstract V Add(V x, V y);

    static abstract V Subtract(V x, V y);

    static abstract V Multiply(V x, V y);

    /// <summary><c>x * y + z</c>, rounded once.</summary>
    static abstract V MultiplyAdd(V x, V y, V z);

    static abstract V Least(V x, V y);

    static abstract V Greatest(V x, V y);

    /// <summary>Of a vector's numbers those at some places, as many as a vector has, after the first place.</summary>
    static abstract V Pick(V vector, int* places, int first);

    /// <summary>Has the processor fetch this to its second-level cache; any address will do.</summary>
    static abstract void Fetch(void* address);
}

/// <summary>16 floats: AVX-512.</summary>
internal readonly unsafe struct Lanes512 : ILanes<Vector512<float>>
{
    public static int Count => Vector512<float>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* source) => Vector512.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> vector, float* destination) => vector.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Fill(float number) => Vector512.Create(number);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Add(Vector512<float> x, Vector512<float> y) => x + y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Subtract(Vector512<float> x, Vector512<float> y) => x - y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Multiply(Vector512<float> x, Vector512<float> y) => x * y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> x, Vector512<float> y, Vector512<float> z) => Vector512.FusedMultiplyAdd(x, y, z);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Least(Vector512<float> x, Vector512<float> y) => Vector512.Min(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Greatest(Vector512<float> x, Vector512<float> y) => Vector512.Max(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Pick(Vector512<float> vector, int* places, int first) => Vector512.ShuffleNative(vector, Vector512.Load(places) - Vector512.Create(first));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(void* address)
    {
        if (Sse.IsSupported)
            Sse.Prefetch1(address);
    }
}

/// <summary>8 floats: AVX2 and FMA.</summary>
internal readonly unsafe struct Lanes256 : ILanes<Vector256<float>>
{
    public static int Count => Vector256<float>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<float> vector, float* destination) => vector.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Fill(float number) => Vector256.Create(number);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> x, Vector256<float> y) => x + y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Subtract(Vector256<float> x, Vector256<float> y) => x - y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Multiply(Vector256<float> x, Vector256<float> y) => x * y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> x, Vector256<float> y, Vector256<float> z) => Vector256.FusedMultiplyAdd(x, y, z);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Least(Vector256<float> x, Vector256<float> y) => Vector256.Min(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Greatest(Vector256<float> x, Vector256<float> y) => Vector256.Max(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Pick(Vector256<float> vector, int* places, int first) => Vector256.ShuffleNative(vector, Vector256.Load(places) - Vector256.Create(first));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(void* address)
    {
        if (Sse.IsSupported)
            Sse.Prefetch1(address);
    }
}

/// <summary>A single float: plain arithmetic, on any processor.</summary>
internal readonly unsafe struct SingleLane : ILanes<float>
{
    public static int Count => 1;

    public static float Load(float* source) => *source;

    public static void Store(float vector, float* destination) => *destination = vector;

    public static float Fill(float number) => number;

    public static float Add(float x, float y) => x + y;

    public static float Subtract(float x, float y) => x - y;

    public static float Multiply(float x, float y) => x * y;

    public static float MultiplyAdd(float x, float y, float z) => MathF.FusedMultiplyAdd(x, y, z);

    public static float Least(float x, float y) => MathF.Min(x, y);

    public static float Greatest(float x, float y) => MathF.Max(x, y);

    public static float Pick(float vector, int* places, int first) => vector;

    public static void Fetch(void* address)
    {
    }
}
